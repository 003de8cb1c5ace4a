//! What a cart would cost: arithmetic only, so it works without the database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const FREE_SHIPPING_FROM_CENTS: u64 = 10_000;
const SHIPPING_CENTS: u64 = 490;
const TAX_PERCENT: u64 = 19;

#[derive(Deserialize)]
pub struct Cart {
    pub items: Vec<Item>,
    #[serde(default)]
    pub discount_percent: u8,
}

#[derive(Deserialize)]
pub struct Item {
    pub sku: String,
    pub quantity: u32,
    pub unit_price_cents: u64,
    #[serde(default)]
    pub attributes: Attributes,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub lines: Vec<Line>,
    pub subtotal_cents: u64,
    pub discount_cents: u64,
    pub shipping_cents: u64,
    pub tax_cents: u64,
    pub total_cents: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub sku: String,
    pub total_cents: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Attributes,
}

/// What the buyer has chosen for an item, whatever that is: a size, an engraving, the parts of a set.
pub type Attributes = BTreeMap<String, Value>;

#[derive(Debug, PartialEq, Eq)]
pub enum QuoteError {
    Empty,
    Discount,
    TooLarge,
}

impl Cart {
    pub fn quote(self) -> Result<Quote, QuoteError> {
        if self.items.is_empty() {
            return Err(QuoteError::Empty);
        }
        if self.discount_percent > 100 {
            return Err(QuoteError::Discount);
        }
        let lines = self
            .items
            .into_iter()
            .map(Item::into_line)
            .collect::<Option<Vec<Line>>>()
            .ok_or(QuoteError::TooLarge)?;
        total(lines, u64::from(self.discount_percent)).ok_or(QuoteError::TooLarge)
    }
}

impl Item {
    fn into_line(self) -> Option<Line> {
        let total_cents = self.unit_price_cents.checked_mul(u64::from(self.quantity))?;
        Some(Line { sku: self.sku, total_cents, attributes: self.attributes })
    }
}

/// None when a sum does not fit.
fn total(lines: Vec<Line>, discount_percent: u64) -> Option<Quote> {
    let subtotal_cents = lines.iter().try_fold(0_u64, |sum, line| sum.checked_add(line.total_cents))?;
    let discount_cents = percent(subtotal_cents, discount_percent)?;
    let goods_cents = subtotal_cents - discount_cents;
    let shipping_cents = if goods_cents >= FREE_SHIPPING_FROM_CENTS { 0 } else { SHIPPING_CENTS };
    let net_cents = goods_cents.checked_add(shipping_cents)?;
    let tax_cents = percent(net_cents, TAX_PERCENT)?;
    let total_cents = net_cents.checked_add(tax_cents)?;
    Some(Quote { lines, subtotal_cents, discount_cents, shipping_cents, tax_cents, total_cents })
}

/// Rounded half up, to whole cents.
fn percent(cents: u64, percent: u64) -> Option<u64> {
    Some(cents.checked_mul(percent)?.checked_add(50)? / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cart(prices: &[(u32, u64)], discount_percent: u8) -> Cart {
        let item = |&(quantity, unit_price_cents)| Item {
            sku: "A-1".into(),
            quantity,
            unit_price_cents,
            attributes: Attributes::new(),
        };
        Cart { items: prices.iter().map(item).collect(), discount_percent }
    }

    #[test]
    fn a_small_cart_pays_shipping_and_tax() {
        let quote = cart(&[(2, 1_250), (1, 499)], 0).quote().unwrap();
        assert_eq!(quote.subtotal_cents, 2_999);
        assert_eq!(quote.shipping_cents, 490);
        assert_eq!(quote.tax_cents, 663); // 19 % of 34.89 is 6.6291
        assert_eq!(quote.total_cents, 4_152);
    }

    #[test]
    fn shipping_is_free_only_if_the_discounted_goods_are_worth_it() {
        assert_eq!(cart(&[(1, 10_000)], 0).quote().unwrap().shipping_cents, 0);
        assert_eq!(cart(&[(1, 10_000)], 1).quote().unwrap().shipping_cents, 490);
    }

    #[test]
    fn what_was_chosen_for_an_item_comes_back_with_its_line() {
        let chosen = Attributes::from([("engraving".to_owned(), Value::from("For Ada"))]);
        let mut cart = cart(&[(1, 1_250), (1, 499)], 0);
        cart.items[0].attributes = chosen.clone();
        let lines = cart.quote().unwrap().lines;
        assert_eq!(lines[0].attributes, chosen);
        assert!(!serde_json::to_string(&lines[1]).unwrap().contains("attributes"));
    }

    #[test]
    fn a_cart_that_cannot_be_priced_is_refused() {
        assert_eq!(cart(&[], 0).quote(), Err(QuoteError::Empty));
        assert_eq!(cart(&[(1, 1)], 101).quote(), Err(QuoteError::Discount));
        assert_eq!(cart(&[(2, u64::MAX)], 0).quote(), Err(QuoteError::TooLarge));
        assert_eq!(cart(&[(1, u64::MAX), (1, 1)], 0).quote(), Err(QuoteError::TooLarge));
    }
}
