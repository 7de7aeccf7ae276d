(() => {
  const modules = document.createElement("script");
  modules.src = "https://script.hotjar.com/modules.0123456789abcdef0123.js";
  document.head.append(modules);
})();
