new Image().src = "https://www.google-analytics.com/collect?v=1&t=pageview&tid=UA-12345-1";
