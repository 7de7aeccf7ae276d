window.shop = { ready: true };
