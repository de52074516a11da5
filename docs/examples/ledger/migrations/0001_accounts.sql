CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE postings (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES accounts,
  cents INTEGER NOT NULL
);
INSERT INTO accounts (name) VALUES ('cash'), ('sales');
INSERT INTO postings (account, cents) VALUES (1, 1200), (2, -1200);
