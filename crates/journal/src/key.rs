//! The journal's Ed25519 key: signs checkpoints and prune records, and checks them.
//! Where the key is kept is the business of [`crate::store`].

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::hash::{Hash, from_hex, hex};

/// Separates these signatures from any other use of the same key.
const DOMAIN: &[u8] = b"toolgate-journal-v1\n";

/// Signs records of the journal. Its `Debug` shows the public half only.
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl Signer {
    /// A new key from the operating system's random source.
    pub(crate) fn generate() -> Result<Signer, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Signer::from_seed(&seed))
    }

    /// Reads the text of a key file: 64 hex digits and a line end.
    pub fn from_text(text: &str) -> Option<Signer> {
        Some(Signer::from_seed(&from_hex(text.trim_ascii_end().as_bytes())?))
    }

    /// The text of a key file.
    pub(crate) fn to_text(&self) -> String {
        hex(self.key.as_bytes()) + "\n"
    }

    fn from_seed(seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::new(key.verifying_key());
        Signer { key, public }
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Hex signature of a line's beginning at its place in the chain. Signed are the bytes
    /// `toolgate-journal-v1`, a line feed, the predecessor's hash in hex, a line feed, and the line up to
    /// (not including) `,"signature"`: so all that the record says, and all that came before it.
    pub(crate) fn sign(&self, prev: &Hash, beginning: &[u8]) -> String {
        hex(&self.key.sign(&message(prev, beginning)).to_bytes())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Checks the signatures of a journal.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: String,
}

impl PublicKey {
    fn new(key: VerifyingKey) -> PublicKey {
        let id = Hash::of(key.as_bytes()).as_str().chars().take(16).collect();
        PublicKey { key, id }
    }

    /// Reads the text of a public key file: 64 hex digits and a line end.
    pub fn from_text(text: &str) -> Option<PublicKey> {
        let bytes = from_hex(text.trim_ascii_end().as_bytes())?;
        VerifyingKey::from_bytes(&bytes).ok().map(PublicKey::new)
    }

    /// The text of a public key file.
    pub fn to_text(&self) -> String {
        hex(self.key.as_bytes()) + "\n"
    }

    /// First 16 hex digits of the SHA-256 of the key: the member `key_id` of what it signs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether `signature` (128 hex digits) is this key's for a line's beginning at its place in the chain.
    pub(crate) fn verifies(&self, prev: &Hash, beginning: &[u8], signature: &[u8]) -> bool {
        let Some(signature) = from_hex(signature) else { return false };
        self.key.verify_strict(&message(prev, beginning), &Signature::from_bytes(&signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id).finish()
    }
}

fn message(prev: &Hash, beginning: &[u8]) -> Vec<u8> {
    [DOMAIN, prev.as_bytes().as_slice(), b"\n", beginning].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files() {
        let signer = Signer::generate().unwrap();
        let read = Signer::from_text(&signer.to_text()).unwrap();
        assert_eq!(read.public(), signer.public());
        assert_eq!(PublicKey::from_text(&signer.public().to_text()).as_ref(), Some(signer.public()));
        assert!(Signer::from_text("zz").is_none());
    }

    #[test]
    fn a_signature_binds_its_place_and_its_text() {
        let signer = Signer::generate().unwrap();
        let signature = signer.sign(&Hash::ZERO, b"line");
        let public = signer.public();
        assert!(public.verifies(&Hash::ZERO, b"line", signature.as_bytes()));
        assert!(!public.verifies(&Hash::of(b"x"), b"line", signature.as_bytes()));
        assert!(!public.verifies(&Hash::ZERO, b"lime", signature.as_bytes()));
        assert!(!Signer::generate().unwrap().public().verifies(&Hash::ZERO, b"line", signature.as_bytes()));
    }

    #[test]
    fn debug_shows_no_secret() {
        let signer = Signer::generate().unwrap();
        assert!(!format!("{signer:?}").contains(signer.to_text().trim_end()));
    }
}
