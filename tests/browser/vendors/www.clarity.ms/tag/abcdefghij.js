(() => {
  const library = document.createElement("script");
  library.src = "https://scripts.clarity.ms/0.7.59/clarity.js";
  document.head.append(library);
  new Image().src = "https://c.clarity.ms/c.gif";
})();
