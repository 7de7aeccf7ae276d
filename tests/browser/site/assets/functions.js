// Tries each thing the site itself needs. `functions` resolves to what worked.
const tries = {
  inline: () => window.part || new Promise((done) => setTimeout(() => done(Boolean(window.part)), 300)),
  evaluated: () => eval("1 + 1") === 2 && new Function("return true")(),
  json: async () => (await fetch("assets/stock.json")).json().then((stock) => stock.left > 0),
  subdomain: async () => (await fetch(location.href.replace("//shop", "//static.shop").replace("functions.html", "assets/stock.json"))).ok,
  blob: async () => (await fetch(URL.createObjectURL(new Blob(["x"])))).text().then((text) => text === "x"),
  socket: () => socket("wss://shop.test/socket"),
  subsocket: () => socket("wss://live.shop.test/socket"),
  worker: () => spoken(new Worker("assets/worker.js")),
  blobworker: () => spoken(new Worker(URL.createObjectURL(new Blob(["postMessage('here')"])))),
  serviceworker: async () => {
    await navigator.serviceWorker.register("assets/sw.js", { scope: location.pathname.replace(/[^/]*$/, "") });
    return Boolean((await navigator.serviceWorker.ready).active);
  },
  font: async () => (await document.fonts.load("16px Brand").catch(() => []), true),
  frame: () => document.getElementById("own-frame").contentWindow.location.href !== "about:blank",
  payment: () => Boolean(self.__ran?.includes("js.payments.test/v3/")),
  storage: () => { localStorage.setItem("cart", "1"); return localStorage.getItem("cart") === "1"; },
};

const socket = (url) => new Promise((done) => {
  const line = new WebSocket(url);
  line.onmessage = () => done(true);
  line.onerror = () => done(false);
});

const spoken = (worker) => new Promise((done) => {
  worker.onmessage = () => done(true);
  worker.onerror = () => done(false);
});

window.functions = async () => {
  const results = {};
  for (const [name, work] of Object.entries(tries)) {
    try {
      results[name] = Boolean(await Promise.race([work(), new Promise((done) => setTimeout(done, 3000, false))]));
    } catch (error) {
      results[name] = String(error);
    }
  }
  return results;
};
