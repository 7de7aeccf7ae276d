new WebSocket("wss://ws.hotjar.com/api/v2/client/ws?v=7&site_id=1234567");
fetch("https://content.hotjar.io/?site_id=1234567", { method: "POST", body: "{}" }).catch(() => {});
navigator.sendBeacon("https://metrics.hotjar.io/?v=7&site_id=1234567");
