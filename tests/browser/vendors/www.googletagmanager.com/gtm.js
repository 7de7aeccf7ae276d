// gtm.js: a container with one tag in it, an ads conversion.
(() => {
  const tag = document.createElement("script");
  tag.src = "https://www.googleadservices.com/pagead/conversion_async.js";
  document.head.append(tag);
})();
