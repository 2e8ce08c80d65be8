//! Keys under which secrets are kept: AES-256-GCM, a random nonce each time, bound to the place where the
//! secret stands, so that a ciphertext moved elsewhere does not open.

use std::fmt;
use std::path::PathBuf;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::{Secret, parse_hex};

/// Version of the form in which secrets are kept.
const FORM: &str = "v1";
/// Bytes that the cipher adds.
const TAG: usize = 16;
/// A random key of 32 bytes has fewer different bytes than this less than once in 10^12.
const DIFFERENT_BYTES: usize = 16;

/// Why a secret cannot be sealed or opened. No message shows a key or a secret.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not a key.
    #[error(
        "{place} is no key: it must be 32 random bytes in hexadecimal or base64, as from `openssl rand -hex 32`"
    )]
    Malformed {
        /// Where it was given.
        place: String,
    },
    /// There is none, though secrets are kept.
    #[error(
        "the key of the secrets ({expected}) is not at {place}: put it back, or give it in TOOLGATE_SECRET_KEY"
    )]
    Missing {
        /// Where it was looked for.
        place: String,
        /// The id of the key that is needed.
        expected: String,
    },
    /// Another than the one that secrets are kept under.
    #[error(
        "the key from {place} is not the one that the secrets are kept under ({expected}): give that one"
    )]
    Wrong {
        /// Where it was given.
        place: String,
        /// The id of the key that is needed.
        expected: String,
    },
    /// Changed, or moved from elsewhere.
    #[error("the secret at `{place}` does not open: it was changed outside of this program; enter it again")]
    Tampered {
        /// Owner and field.
        place: String,
    },
    /// Others may read it.
    #[error("{path} is open to others (mode {mode:o}): run `chmod 600 {path}`")]
    Open {
        /// The key's file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A key that comes from elsewhere cannot be made here.
    #[error("the key comes from {place}: a new one must be given, not made")]
    NotOurs {
        /// Where it comes from.
        place: String,
    },
    /// Another process changes the key.
    #[error("another process changes the key: try again when it is done")]
    Busy,
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// The cipher refused.
    #[error("the cipher refused")]
    Cipher,
}

/// Where a secret stands; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// What it belongs to: a table.
    pub(crate) owner: &'a str,
    /// The row's id, never used twice.
    pub(crate) id: i64,
    /// Which of the row's secrets it is.
    pub(crate) field: &'a str,
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places read the same.
    fn associated_data(&self) -> Vec<u8> {
        let id = self.id.to_be_bytes();
        let parts = [FORM.as_bytes(), self.owner.as_bytes(), &id, self.field.as_bytes()];
        let mut data = Vec::with_capacity(64);
        for part in parts {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.owner, self.id, self.field)
    }
}

/// A key; its bytes are wiped when it is dropped.
pub(crate) struct SecretKey {
    bytes: Zeroizing<[u8; 32]>,
    cipher: LessSafeKey,
    id: String,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

impl SecretKey {
    /// Makes one.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| KeyError::Random(error.to_string()))?;
        Self::from_bytes(bytes)
    }

    /// Reads one: 64 hexadecimal digits, or base64 of 32 bytes. `place` is told if it is none.
    pub(crate) fn parse(text: &Secret, place: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed { place: place.to_owned() };
        let text = text.expose().trim();
        let bytes = parse_hex(text).or_else(|| parse_base64(text)).map(Zeroizing::new);
        let bytes = bytes.ok_or_else(malformed)?;
        let mut kinds = Zeroizing::new(bytes.to_vec());
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() < DIFFERENT_BYTES {
            return Err(malformed());
        }
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let cipher = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(|_| KeyError::Cipher)?;
        let digest = Sha256::new().chain_update(b"toolgate secret key id\0").chain_update(*bytes).finalize();
        let id = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { bytes, cipher: LessSafeKey::new(cipher), id })
    }

    /// What ciphertexts name it by; tells nothing about its bytes.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The key as it stands in its file.
    pub(crate) fn to_text(&self) -> Secret {
        let mut text = String::with_capacity(65);
        for byte in self.bytes.iter() {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        text.push('\n');
        Secret::new(text)
    }

    /// Encrypts a secret for its place: form, key id, and nonce with ciphertext in base64.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<String, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| KeyError::Random(error.to_string()))?;
        let plain = secret.expose().as_bytes();
        let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + TAG));
        text.extend_from_slice(plain);
        let aad = Aad::from(place.associated_data());
        let tag = self
            .cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| KeyError::Cipher)?;
        let sealed = [nonce.as_slice(), &text, tag.as_ref()].concat();
        Ok(format!("{FORM}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Decrypts what [`SecretKey::seal`] made for the same place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &str) -> Result<Secret, KeyError> {
        self.opened(place, sealed).ok_or_else(|| KeyError::Tampered { place: place.to_string() })
    }

    fn opened(&self, place: Place<'_>, sealed: &str) -> Option<Secret> {
        let (id, body) = split(sealed)?;
        if id != self.id {
            return None;
        }
        let mut body = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).ok()?);
        let (nonce, text) = body.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.cipher.open_in_place(nonce, Aad::from(place.associated_data()), text).ok()?;
        Some(Secret::new(std::str::from_utf8(plain).ok()?.to_owned()))
    }
}

/// Key id and ciphertext of a sealed text.
fn split(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(FORM)?.strip_prefix('.')?.split_once('.')
}

/// The id of the key that a sealed text was made under.
pub(crate) fn key_id(sealed: &str) -> Option<&str> {
    split(sealed).map(|(id, _)| id)
}

fn parse_base64(text: &str) -> Option<[u8; 32]> {
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    let bytes = engines.iter().find_map(|engine| engine.decode(text).ok())?;
    Zeroizing::new(bytes).as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place<'static> = Place { owner: "servers", id: 7, field: "X-Api-Key" };

    fn key() -> SecretKey {
        SecretKey::generate().unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_alone() {
        let key = key();
        let sealed = key.seal(PLACE, &secret("canary")).unwrap();
        assert!(!sealed.contains("canary"));
        assert_eq!(key.open(PLACE, &sealed).unwrap().expose(), "canary");
        for other in [
            Place { owner: "settings", ..PLACE },
            Place { id: 8, ..PLACE },
            Place { field: "X-Api-Kez", ..PLACE },
        ] {
            assert!(matches!(key.open(other, &sealed), Err(KeyError::Tampered { .. })), "{other}");
        }
        assert!(self::key().open(PLACE, &sealed).is_err());
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let key = key();
        let seals: std::collections::HashSet<String> =
            (0..1_000).map(|_| key.seal(PLACE, &secret("same")).unwrap()).collect();
        assert_eq!(seals.len(), 1_000);
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let key = key();
        let sealed = key.seal(PLACE, &secret("canary")).unwrap();
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(key.open(PLACE, &other).is_err(), "changed at {at}");
            assert!(key.open(PLACE, sealed.get(..at).unwrap()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn keys_are_read_in_each_form_and_weak_ones_refused() {
        let key = key();
        let forms = [
            key.to_text().expose().to_owned(),
            key.to_text().expose().to_uppercase(),
            STANDARD.encode(*key.bytes),
            URL_SAFE_NO_PAD.encode(*key.bytes),
        ];
        for form in forms {
            assert_eq!(SecretKey::parse(&secret(&form), "x").unwrap().id(), key.id());
        }
        for weak in ["", "changeme", &"00".repeat(32), &"0123456789abcdef".repeat(4), &"ab".repeat(31)] {
            let error = SecretKey::parse(&secret(weak), "TOOLGATE_SECRET_KEY").unwrap_err();
            assert!(error.to_string().starts_with("TOOLGATE_SECRET_KEY is no key"), "{error}");
        }
        assert!(!format!("{key:?}").contains(key.to_text().expose().trim()));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>(), id in any::<i64>(), field in any::<String>()) {
            let key = key();
            let place = Place { owner: "o", id, field: &field };
            let sealed = key.seal(place, &secret(&text)).unwrap();
            prop_assert_eq!(key_id(&sealed), Some(key.id()));
            let opened = key.open(place, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), text);
        }
    }
}
