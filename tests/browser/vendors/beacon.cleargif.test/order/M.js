note("M");
