//! Everything that is asked of Postgres.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

const CONNECTIONS: u32 = 10;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
pub struct Product {
    pub id: i64,
    pub name: String,
    pub price_cents: i64,
    pub stock: i64,
}

#[derive(Serialize)]
pub struct Order {
    pub id: i64,
    pub total_cents: i64,
}

pub enum OrderError {
    /// No such product, or fewer in stock than asked for.
    Unavailable {
        product_id: i64,
    },
    TooLarge,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for OrderError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// A pool that connects when it is first used: the server starts without its database.
pub fn pool(database: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(database)
}

pub async fn migrate(database: PgConnectOptions) -> Result<(), MigrateError> {
    let pool = pool(database);
    sqlx::migrate!().run(&pool).await?;
    tracing::info!("the database is up to date");
    pool.close().await;
    Ok(())
}

pub async fn check(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query_scalar!("SELECT 1").fetch_one(pool).await?;
    Ok(())
}

pub async fn products(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<Product>> {
    sqlx::query_as!(Product, "SELECT id, name, price_cents, stock FROM products ORDER BY id LIMIT $1", limit)
        .fetch_all(pool)
        .await
}

pub async fn product(pool: &PgPool, id: i64) -> sqlx::Result<Option<Product>> {
    sqlx::query_as!(Product, "SELECT id, name, price_cents, stock FROM products WHERE id = $1", id)
        .fetch_optional(pool)
        .await
}

/// Takes everything from stock and records the order, or changes nothing.
///
/// `lines` holds the quantity by product, sorted: two orders lock the same products in the same order.
pub async fn place_order(
    pool: &PgPool,
    customer: &str,
    lines: &BTreeMap<i64, i64>,
) -> Result<Order, OrderError> {
    let mut transaction = pool.begin().await?;
    let order_id = sqlx::query_scalar!(
        "INSERT INTO orders (customer, total_cents) VALUES ($1, 0) RETURNING id",
        customer
    )
    .fetch_one(&mut *transaction)
    .await?;

    let mut total_cents = 0_i64;
    for (&product_id, &quantity) in lines {
        let price_cents = sqlx::query_scalar!(
            "UPDATE products SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING price_cents",
            product_id,
            quantity
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(OrderError::Unavailable { product_id })?;
        total_cents = price_cents
            .checked_mul(quantity)
            .and_then(|line| total_cents.checked_add(line))
            .ok_or(OrderError::TooLarge)?;
        sqlx::query!(
            "INSERT INTO order_lines (order_id, product_id, quantity, price_cents) VALUES ($1, $2, $3, $4)",
            order_id,
            product_id,
            quantity,
            price_cents
        )
        .execute(&mut *transaction)
        .await?;
    }

    sqlx::query!("UPDATE orders SET total_cents = $2 WHERE id = $1", order_id, total_cents)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Order { id: order_id, total_cents })
}
