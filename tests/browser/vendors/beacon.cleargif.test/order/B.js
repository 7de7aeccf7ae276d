note("B after " + window.A);
