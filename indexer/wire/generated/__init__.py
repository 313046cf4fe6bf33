"""Made from ``schemas/proto`` by ``make proto``; nobody edits what is here."""
