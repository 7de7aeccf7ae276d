note("D, document " + document.readyState); document.addEventListener("DOMContentLoaded", () => note("D heard ready"));
