window.www = true;
