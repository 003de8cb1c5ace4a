//! The routes: what comes in over HTTP, what goes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tower_http::trace::TraceLayer;

use crate::auth::Customer;
use crate::db::{self, Order, OrderError, Product};
use crate::quote::{Cart, Quote, QuoteError};

/// Kubernetes gives up after a second by default: an answer has to come before that.
const HEALTH_TIMEOUT: Duration = Duration::from_millis(800);
const MOST_PRODUCTS: i64 = 100;

#[derive(Clone)]
pub struct AppState {
    pub pool: PgPool,
    pub jwt_secret: Arc<str>,
}

impl AppState {
    pub fn new(pool: PgPool, jwt_secret: String) -> Self {
        Self { pool, jwt_secret: jwt_secret.into() }
    }
}

pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/products", get(products))
        .route("/products/{id}", get(product))
        .route("/orders", post(place_order))
        .route("/quote", post(quote))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

async fn health(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let (code, status) = match tokio::time::timeout(HEALTH_TIMEOUT, db::check(&state.pool)).await {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        Err(_) => {
            tracing::warn!("the database does not answer in time");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION") }))
}

#[derive(Deserialize)]
struct Page {
    limit: Option<i64>,
}

async fn products(
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Product>>, ApiError> {
    let limit = page.limit.unwrap_or(MOST_PRODUCTS).clamp(1, MOST_PRODUCTS);
    Ok(Json(db::products(&state.pool, limit).await?))
}

async fn product(State(state): State<AppState>, Path(id): Path<i64>) -> Result<Json<Product>, ApiError> {
    db::product(&state.pool, id).await?.map(Json).ok_or(ApiError::NotFound)
}

#[derive(Deserialize)]
struct NewOrder {
    items: Vec<NewLine>,
}

#[derive(Deserialize)]
struct NewLine {
    product_id: i64,
    quantity: u32,
}

async fn place_order(
    State(state): State<AppState>,
    Customer(customer): Customer,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), ApiError> {
    if order.items.is_empty() || order.items.iter().any(|line| line.quantity == 0) {
        return Err(ApiError::Unprocessable("an order needs items, each with a quantity"));
    }
    let mut lines = BTreeMap::new();
    for line in &order.items {
        *lines.entry(line.product_id).or_insert(0) += i64::from(line.quantity);
    }
    let placed = db::place_order(&state.pool, &customer, &lines).await?;
    tracing::info!(order = placed.id, %customer, "order placed");
    Ok((StatusCode::CREATED, Json(placed)))
}

async fn quote(Json(cart): Json<Cart>) -> Result<Json<Quote>, ApiError> {
    Ok(Json(cart.quote()?))
}

/// Every way a request can fail, as the caller sees it.
pub enum ApiError {
    Unauthorized,
    NotFound,
    OutOfStock { product_id: i64 },
    Unprocessable(&'static str),
    Database(sqlx::Error),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, error) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "a valid bearer token is needed".into()),
            Self::NotFound => (StatusCode::NOT_FOUND, "no such product".into()),
            Self::OutOfStock { product_id } => {
                (StatusCode::CONFLICT, format!("not enough in stock of product {product_id}"))
            }
            Self::Unprocessable(reason) => (StatusCode::UNPROCESSABLE_ENTITY, reason.into()),
            Self::Database(error) => {
                tracing::error!(%error, "the database failed");
                (StatusCode::SERVICE_UNAVAILABLE, "try again later".into())
            }
        };
        (code, Json(BTreeMap::from([("error", error)]))).into_response()
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<OrderError> for ApiError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Unavailable { product_id } => Self::OutOfStock { product_id },
            OrderError::TooLarge => Self::Unprocessable("the order is too large"),
            OrderError::Database(error) => Self::Database(error),
        }
    }
}

impl From<QuoteError> for ApiError {
    fn from(error: QuoteError) -> Self {
        Self::Unprocessable(match error {
            QuoteError::Empty => "the cart is empty",
            QuoteError::Discount => "a discount is at most 100 percent",
            QuoteError::TooLarge => "the cart is too large",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use sqlx::postgres::PgConnectOptions;
    use tower::ServiceExt;

    /// One request to a shop whose database is not there.
    async fn ask(request: Request<Body>) -> (StatusCode, Value) {
        let nowhere = PgConnectOptions::new().host("127.0.0.1").port(1);
        let app = router(AppState::new(PgPool::connect_lazy_with(nowhere), "secret".into()));
        let response = app.oneshot(request).await.unwrap();
        let code = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (code, serde_json::from_slice(&body).unwrap())
    }

    fn post_json(path: &str, body: &Value) -> Request<Body> {
        Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_quote_needs_no_database() {
        let cart = json!({"items": [{"sku": "A-1", "quantity": 3, "unit_price_cents": 5_000}]});
        let (code, body) = ask(post_json("/quote", &cart)).await;
        assert_eq!(code, StatusCode::OK);
        assert_eq!(body["total_cents"], 17_850);
    }

    #[tokio::test]
    async fn an_empty_cart_is_refused_with_its_reason() {
        let (code, body) = ask(post_json("/quote", &json!({"items": []}))).await;
        assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body, json!({"error": "the cart is empty"}));
    }

    #[tokio::test]
    async fn an_order_needs_a_token() {
        let order = json!({"items": [{"product_id": 1, "quantity": 1}]});
        let (code, _) = ask(post_json("/orders", &order)).await;
        assert_eq!(code, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn health_says_no_without_the_database() {
        let (code, body) = ask(Request::get("/health").body(Body::empty()).unwrap()).await;
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["status"], "unavailable");
    }
}
