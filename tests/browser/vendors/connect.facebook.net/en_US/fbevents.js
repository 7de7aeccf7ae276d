// The pixel's library: fetches its settings, then reports the page view.
(() => {
  const settings = document.createElement("script");
  settings.src = "https://connect.facebook.net/signals/config/1234567890?v=2.9.1";
  document.head.append(settings);
  new Image().src = "https://www.facebook.com/tr/?id=1234567890&ev=PageView&dl=" + encodeURIComponent(location.href);
  document.cookie = "_fbp=fb.1.1700000000.123456789; path=/; max-age=7776000";
})();
