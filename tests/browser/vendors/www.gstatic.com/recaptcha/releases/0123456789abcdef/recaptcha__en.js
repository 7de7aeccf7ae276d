(() => {
  for (const place of document.querySelectorAll(".g-recaptcha")) {
    const frame = document.createElement("iframe");
    frame.src = "https://www.google.com/recaptcha/api2/anchor?ar=1&k=6LcTEST";
    place.append(frame);
  }
})();
