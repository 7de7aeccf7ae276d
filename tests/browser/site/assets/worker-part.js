self.partOfWorker = "here";
