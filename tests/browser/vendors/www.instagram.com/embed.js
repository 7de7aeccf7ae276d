(() => {
  const draw = () => {
    for (const post of document.querySelectorAll(".instagram-media")) {
      const frame = document.createElement("iframe");
      frame.src = "https://www.instagram.com/p/ABCDEFGHIJK/embed/captioned/?cr=1&v=14";
      post.replaceWith(frame);
    }
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", draw);
  else draw();
})();
