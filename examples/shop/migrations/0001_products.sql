CREATE TABLE products (
    id          BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name        TEXT   NOT NULL,
    price_cents BIGINT NOT NULL CHECK (price_cents >= 0),
    stock       BIGINT NOT NULL CHECK (stock >= 0)
);

INSERT INTO products (name, price_cents, stock) VALUES
    ('Anvil, 20 kg',       8900,  12),
    ('Hammer, cross-peen', 2450, 200),
    ('Tongs, flat',        1990, 150),
    ('Iron bar, 1 m',       690, 900);
