//! Who is asking: bearer tokens, JSON Web Tokens signed with HS256 (RFC 7519).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::FromRequestParts;
use axum::http::{header::AUTHORIZATION, request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::routes::{ApiError, AppState};

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// The name of whoever sent a valid token; a handler that takes one refuses everybody else.
pub struct Customer(pub String);

impl FromRequestParts<AppState> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(|token| verify(&state.jwt_secret, token))
            .map(Self)
            .ok_or(ApiError::Unauthorized)
    }
}

/// A token for `customer`, good for `lifetime` from now.
pub fn issue(secret: &str, customer: &str, lifetime: Duration) -> String {
    let header = Header { alg: "HS256".into(), typ: Some("JWT".into()) };
    let claims = Claims { sub: customer.into(), exp: now() + lifetime.as_secs() };
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = mac(secret, &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The token's customer; None if it is forged, expired or no token at all.
fn verify(secret: &str, token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(secret, signed).verify_slice(&signature).ok()?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = decode(header)?;
    let claims: Claims = decode(claims)?;
    (header.alg == "HS256" && claims.exp > now()).then_some(claims.sub)
}

fn mac(secret: &str, signed: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length").chain_update(signed)
}

fn encode(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("plain text and numbers"))
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn an_issued_token_names_its_customer() {
        assert_eq!(verify("secret", &issue("secret", "ada", HOUR)).as_deref(), Some("ada"));
    }

    #[test]
    fn a_token_of_another_maker_is_read() {
        // The same key, name and time by Python: hmac.digest(b"secret", …, "sha256").
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjMyNTAzNjgwMDAwfQ.xyZHU25xjTwUNvg8sI4AmODQ5aOU6Pi7kEVjVQ8SbIU";
        assert_eq!(verify("secret", token).as_deref(), Some("ada"));
    }

    #[test]
    fn a_forged_or_old_token_is_refused() {
        let token = issue("secret", "ada", HOUR);
        let forged = format!("{}.{}", encode(&Header { alg: "none".into(), typ: None }), "e30.");
        assert_eq!(verify("other", &token), None);
        assert_eq!(verify("secret", &token[..token.len() - 2]), None);
        assert_eq!(verify("secret", &issue("secret", "ada", Duration::ZERO)), None);
        assert_eq!(verify("secret", &forged), None);
        assert_eq!(verify("secret", "no token"), None);
    }
}
