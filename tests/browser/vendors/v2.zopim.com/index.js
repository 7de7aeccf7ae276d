(() => {
  const bundle = document.createElement("script");
  bundle.src = "https://static.zdassets.com/web_widget/classic/latest/web-widget-main.js";
  document.head.append(bundle);
  new WebSocket("wss://widget-mediator.zopim.com/s/W/ws/0123456789");
})();
