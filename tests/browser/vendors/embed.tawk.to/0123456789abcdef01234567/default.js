(() => {
  const app = document.createElement("script");
  app.src = "https://embed.tawk.to/_s/v4/app/0123456789a/js/twk-main.js";
  document.head.append(app);
  fetch("https://va.tawk.to/v1/session/start", { method: "POST", body: "{}" }).catch(() => {});
  new WebSocket("wss://vsa12.tawk.to/s/?k=0123456789");
})();
