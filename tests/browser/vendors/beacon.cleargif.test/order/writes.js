note("writes"); document.write("<p id=written>written</p><script>note(\"written\")<\/script>");
