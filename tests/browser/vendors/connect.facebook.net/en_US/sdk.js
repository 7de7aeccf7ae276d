// The SDK: turns the marked-up elements into frames of www.facebook.com/plugins/.
(() => {
  const draw = () => {
    for (const [name, file] of [["fb-like", "like"], ["fb-comments", "comments"]]) {
      for (const place of document.querySelectorAll("." + name)) {
        const frame = document.createElement("iframe");
        frame.src = `https://www.facebook.com/v19.0/plugins/${file}.php?href=` + encodeURIComponent(location.href);
        place.append(frame);
      }
    }
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", draw);
  else draw();
})();
