(() => {
  const library = document.createElement("script");
  library.src = "https://www.gstatic.com/recaptcha/releases/0123456789abcdef/recaptcha__en.js";
  document.head.append(library);
})();
