(() => {
  const main = document.createElement("script");
  main.src = "https://assets.pinterest.com/js/pinit_main.js?0.1";
  document.head.append(main);
})();
