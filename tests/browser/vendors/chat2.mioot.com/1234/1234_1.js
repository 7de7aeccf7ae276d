(() => {
  const box = document.createElement("div");
  box.id = "miootOnOffDiv";
  box.innerHTML = "<img src='https://chat2.mioot.com/1234/online.gif' alt=''>";
  (document.body || document.documentElement).append(box);
})();
