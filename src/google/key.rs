//! The private key of a service account.

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use crate::{foreign, secret::Secret};

/// An RSA private key in its outer form. Only its use shows whether its numbers make a key.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey {
    form: Form,
    der: Vec<u8>,
}

/// The outer form of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `BEGIN PRIVATE KEY`: the form in Google's key files.
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY`: the form that openssl writes with `-traditional`.
    Pkcs1,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Form {
    fn label(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Pkcs1 => "RSA PRIVATE KEY",
        }
    }
}

impl PrivateKey {
    /// Reads a PEM text with real, literal (`\n`) or doubly escaped (`\\n`) line breaks, with or without quotes around it.
    ///
    /// # Errors
    /// If it is not a key. The text of the error holds nothing of the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = unescape(text);
        if text.contains("BEGIN ENCRYPTED") {
            return Err("is an encrypted key: give the key as Google Cloud made it, without a passphrase".into());
        }
        if text.contains("BEGIN PUBLIC KEY") || text.contains("BEGIN CERTIFICATE") {
            return Err("is a public key or a certificate: give the private key".into());
        }
        let body = [Form::Pkcs8, Form::Pkcs1].into_iter().find_map(|form| {
            let (_, rest) = text.split_once(&format!("-----BEGIN {}-----", form.label()))?;
            let (body, _) = rest.split_once(&format!("-----END {}-----", form.label()))?;
            Some((form, body))
        });
        let (form, body) = body.ok_or(
            "is not a PEM text: it must go from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, both included",
        )?;
        let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        foreign::hide(&letters);
        let engine = GeneralPurpose::new(
            &ALPHABET,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        match engine.decode(letters) {
            Ok(der) if !der.is_empty() => Ok(Self { form, der }),
            _ => Err("is damaged between BEGIN and END: copy private_key from the key file again".into()),
        }
    }

    /// The key as a PEM text of its own form.
    #[must_use]
    pub fn pem(&self) -> Secret {
        let label = self.form.label();
        Secret::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(&self.der)))
    }

    /// The key as PKCS#8 in DER, the form that `WebCrypto` reads. The bytes are secret: only the host's signature gets
    /// them.
    #[must_use]
    pub fn pkcs8(&self) -> Vec<u8> {
        match self.form {
            Form::Pkcs8 => self.der.clone(),
            Form::Pkcs1 => element(SEQUENCE, &[&RSA_IN_PKCS8[..], &element(OCTET_STRING, &self.der)].concat()),
        }
    }
}

/// The bytes before the key itself in PKCS#8: INTEGER 0, the version, and SEQUENCE { OID 1.2.840.113549.1.1.1, NULL },
/// `rsaEncryption`. RFC 5208, section 5, and RFC 8017, appendix A.1
const RSA_IN_PKCS8: [u8; 18] =
    [0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// ASN.1 tags.
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// A DER element. If the length is above 127, the number of its own bytes comes before it.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let first = length.iter().take_while(|byte| **byte == 0).count().min(length.len() - 1);
    let mut der = vec![tag];
    if content.len() > 0x7f {
        #[expect(clippy::cast_possible_truncation, reason = "a length has eight bytes at most")]
        der.push(0x80 | (length.len() - first) as u8);
    }
    der.extend(&length[first..]);
    der.extend(content);
    der
}

/// Restores line breaks that files, shells and dashboards have changed.
fn unescape(text: &str) -> String {
    let mut text = text.trim().trim_matches(['"', '\'']).to_owned();
    while text.contains("\\\\") {
        text = text.replace("\\\\", "\\");
    }
    text.replace("\\r", "").replace("\\n", "\n").replace('\r', "")
}

#[cfg(test)]
pub(super) mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use rsa::{
        pkcs1::EncodeRsaPrivateKey,
        pkcs8::{EncodePrivateKey, LineEnding},
    };

    use super::*;

    /// Not a key, but in the form of a key.
    const BODY: &str = "c2VjcmV0IGtleSBieXRlcyBpbiBiYXNlNjQ=";

    pub fn pem(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{}\n{}\n-----END {label}-----\n", &BODY[..20], &BODY[20..])
    }

    #[test]
    fn a_key_is_read_in_both_forms_and_all_spellings_of_line_breaks() {
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
            let plain = pem(label);
            let key = PrivateKey::parse(&plain).unwrap();
            assert_eq!(key.pem().reveal().replace('\n', ""), plain.replace('\n', ""));
            for spelling in ["\\n", "\\\\n", "\\\\\\\\n", "\r\n", "\\r\\n", " ", "\n\n"] {
                assert_eq!(PrivateKey::parse(&plain.replace('\n', spelling)), Ok(key.clone()), "{spelling:?}");
            }
            for quote in ["\"", "'"] {
                assert_eq!(PrivateKey::parse(&format!("  {quote}{plain}{quote}\n")), Ok(key.clone()), "{quote}");
            }
        }
    }

    #[test]
    fn a_key_in_either_form_becomes_the_same_pkcs8() {
        // The first key is short enough for lengths of one byte. Google makes keys such as the last one.
        for bits in [128, 512, 2_048] {
            let key = rsa::RsaPrivateKey::new(&mut ChaCha20Rng::seed_from_u64(1), bits).unwrap();
            let expected = key.to_pkcs8_der().unwrap();
            let pems = [key.to_pkcs8_pem(LineEnding::LF).unwrap(), key.to_pkcs1_pem(LineEnding::LF).unwrap()];
            for pem in pems {
                assert_eq!(PrivateKey::parse(&pem).unwrap().pkcs8(), expected.as_bytes(), "{bits} bits");
            }
        }
    }

    #[test]
    fn lengths_of_der_elements_have_as_many_bytes_as_they_need() {
        let check = |length, head: &[u8]| {
            let der = element(OCTET_STRING, &vec![0; length]);
            assert_eq!((&der[1..=head.len()], der.len()), (head, 1 + head.len() + length));
        };
        check(0, &[0]);
        check(127, &[127]);
        check(128, &[0x81, 128]);
        check(255, &[0x81, 255]);
        check(256, &[0x82, 1, 0]);
        check(65_535, &[0x82, 255, 255]);
        check(65_536, &[0x83, 1, 0, 0]);
    }

    #[test]
    fn a_key_that_cannot_be_read_is_explained_without_its_text() {
        let check = |text: &str, words: &str| {
            let problem = PrivateKey::parse(text).unwrap_err();
            assert!(problem.contains(words) && !problem.contains(&BODY[..8]), "{problem}");
        };
        check("", "not a PEM text");
        check(BODY, "not a PEM text");
        check("-----BEGIN PRIVATE KEY-----", "not a PEM text");
        check(&pem("ENCRYPTED PRIVATE KEY"), "without a passphrase");
        check(&pem("PUBLIC KEY"), "give the private key");
        check(&pem("PRIVATE KEY").replace('=', "!"), "is damaged");
        check("-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----", "is damaged");
    }
}
