//! Configuration comes from the environment and is checked before anything starts.

use std::fmt;

use sqlx::postgres::PgConnectOptions;

pub struct Config {
    pub database: PgConnectOptions,
    pub jwt_secret: String,
    pub environment: Environment,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// Looks up one name: in the process's environment, or in a table in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    pub fn read(variable: Lookup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: database(variable)?,
            jwt_secret: jwt_secret(variable)?,
            environment: environment(variable)?,
            port: match variable("APP_PORT") {
                None => 3000,
                Some(text) => text.parse().map_err(|error| ConfigError::invalid("APP_PORT", error))?,
            },
        })
    }
}

pub fn database(variable: Lookup) -> Result<PgConnectOptions, ConfigError> {
    required(variable, "APP_DATABASE_URL")?
        .parse()
        .map_err(|error| ConfigError::invalid("APP_DATABASE_URL", error))
}

pub fn jwt_secret(variable: Lookup) -> Result<String, ConfigError> {
    required(variable, "APP_AUTH_JWT_SECRET")
}

pub fn environment(variable: Lookup) -> Result<Environment, ConfigError> {
    match variable("APP_ENV").as_deref() {
        None | Some("development") => Ok(Environment::Development),
        Some("production") => Ok(Environment::Production),
        Some(_) => Err(ConfigError::invalid("APP_ENV", "neither development nor production")),
    }
}

fn required(variable: Lookup, name: &'static str) -> Result<String, ConfigError> {
    variable(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}

#[derive(Debug, PartialEq, Eq)]
pub enum ConfigError {
    Missing(&'static str),
    Invalid(&'static str, String),
}

impl ConfigError {
    fn invalid(name: &'static str, reason: impl fmt::Display) -> Self {
        Self::Invalid(name, reason.to_string())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(out, "the environment variable {name} is not set"),
            Self::Invalid(name, reason) => write!(out, "the environment variable {name} is wrong: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(extra: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let required =
            [("APP_DATABASE_URL", "postgres://shop@localhost/shop"), ("APP_AUTH_JWT_SECRET", "secret")];
        Config::read(&|wanted| {
            extra
                .iter()
                .chain(&required)
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn two_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.port, 3000);
        assert_eq!(config.environment, Environment::Development);
    }

    #[test]
    fn an_empty_variable_is_a_missing_one() {
        let error = read(&[("APP_AUTH_JWT_SECRET", "")]).err().unwrap();
        assert_eq!(error, ConfigError::Missing("APP_AUTH_JWT_SECRET"));
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (name, value) in [("APP_DATABASE_URL", "nonsense"), ("APP_ENV", "prod"), ("APP_PORT", "70000")] {
            let error = read(&[(name, value)]).err().unwrap();
            assert!(matches!(error, ConfigError::Invalid(culprit, _) if culprit == name), "{error}");
        }
    }
}
