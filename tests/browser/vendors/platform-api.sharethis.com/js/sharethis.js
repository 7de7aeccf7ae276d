(() => {
  const settings = document.createElement("script");
  settings.src = "https://buttons-config.sharethis.com/js/0123456789abcdef01234567.js";
  document.head.append(settings);
  new Image().src = "https://l.sharethis.com/pview?event=pview&domain=shop.test";
  const draw = () => {
    for (const place of document.querySelectorAll(".sharethis-inline-share-buttons")) {
      const icon = document.createElement("img");
      icon.src = "https://platform-cdn.sharethis.com/img/facebook.svg";
      place.append(icon);
    }
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", draw);
  else draw();
})();
