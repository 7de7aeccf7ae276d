(() => {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "https://c.disquscdn.com/next/embed/styles/lounge.0123456789abcdef.css";
  document.head.append(style);
  const frame = document.createElement("iframe");
  frame.src = "https://disqus.com/embed/comments/?base=default&f=shop-test";
  document.getElementById("disqus_thread").append(frame);
})();
