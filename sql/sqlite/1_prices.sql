-- The price list: from the instant since on, a unit of a SKU costs so many USD. org is * for every org that has no price
-- of its own.
CREATE TABLE IF NOT EXISTS prices (
  org TEXT NOT NULL,
  sku TEXT NOT NULL,
  unit TEXT NOT NULL,
  since TEXT NOT NULL,
  price REAL NOT NULL,
  PRIMARY KEY (org, sku, unit, since)
) WITHOUT ROWID;
