(() => {
  const draw = () => {
    for (const link of document.querySelectorAll("a.twitter-timeline")) {
      const frame = document.createElement("iframe");
      frame.src = "https://syndication.twitter.com/srv/timeline-profile/screen-name/TwitterDev";
      link.after(frame);
    }
    const hidden = document.createElement("iframe");
    hidden.src = "https://platform.twitter.com/widgets/widget_iframe.0123456789abcdef.html";
    hidden.style.display = "none";
    document.body.append(hidden);
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", draw);
  else draw();
})();
