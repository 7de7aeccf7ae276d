(() => {
  const event = document.createElement("script");
  event.src = "https://sslwidget.criteo.com/event?a=12345&v=5.23.0&p0=e%3Dvh";
  document.head.append(event);
  const draw = () => {
    const sync = document.createElement("iframe");
    sync.src = "https://gum.criteo.com/syncframe?origin=onetag";
    sync.style.display = "none";
    document.body.append(sync);
  };
  if (document.body) draw();
  else addEventListener("DOMContentLoaded", draw);
})();
