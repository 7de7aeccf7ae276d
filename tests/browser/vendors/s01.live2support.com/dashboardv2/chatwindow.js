(() => {
  new Image().src = "https://s01.live2support.com/dashboardv2/chatwindow/track.php?stid=" + encodeURIComponent(self.stid || "");
  const frame = document.createElement("iframe");
  frame.src = "https://s01.live2support.com/dashboardv2/chatwindow/window.php";
  (document.body || document.documentElement).append(frame);
})();
