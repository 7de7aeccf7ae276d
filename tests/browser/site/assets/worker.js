importScripts("worker-part.js"); postMessage(self.partOfWorker);
