note("inserts"); document.currentScript.after(Object.assign(document.createElement("p"), { id: "inserted" }));
