// gtag.js: reports a page view to Google Analytics, and to the ads server when signals are on.
navigator.sendBeacon("https://region1.google-analytics.com/g/collect?v=2&tid=G-TEST000001&en=page_view");
fetch("https://www.google-analytics.com/g/collect?v=2&tid=G-TEST000001&en=scroll", { method: "POST", mode: "no-cors", keepalive: true });
new Image().src = "https://stats.g.doubleclick.net/g/collect?v=2&tid=G-TEST000001";
document.cookie = "_ga=GA1.1.123456789.1700000000; path=/; max-age=63072000";
document.cookie = "_ga_TEST000001=GS1.1.1700000000.1.0.1700000000.0.0.0; path=/; max-age=63072000";
