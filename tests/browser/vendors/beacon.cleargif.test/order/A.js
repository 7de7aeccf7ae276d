window.A = "A"; note("A");
