new Image().src = "https://googleads.g.doubleclick.net/pagead/viewthroughconversion/123456/?random=1";
