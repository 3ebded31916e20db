//! Passwords as they are typed, and which new ones are too weak.

use super::{error::AccountError, names::AccountName};
use danso_tier_config::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PASSWORD_DISTINCT_CHARS_MIN};
use std::{collections::BTreeSet, fmt};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use zeroize::Zeroizing;

/// Passwords that many people choose and that are long enough, as [`skeleton`] leaves them.
const COMMON: &[&str] = &[
    "0123456789",
    "0987654321",
    "1234567890",
    "12345678910",
    "123456789123",
    "123456789a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "a123456789",
    "abc123456789",
    "abcd123456",
    "abcdefghij",
    "admin12345",
    "admin123456",
    "anhyeuem123",
    "danso12345",
    "danso123456",
    "dansoxahoi",
    "emyeuanh123",
    "iloveyou123",
    "khongbiet123",
    "khongcomatkhau",
    "matkhau123",
    "matkhau1234",
    "matkhau12345",
    "matkhau123456",
    "matkhaumoi",
    "password12",
    "password123",
    "password1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "uybannhandan",
    "vietnam123",
    "vietnam1945",
    "vietnam1975",
    "vietnam2025",
    "vietnamvodich",
    "xinchao123",
    "yeuvietnam",
];

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Shorter than the limit.
    #[error("it has {chars} characters, at least {PASSWORD_CHARS_MIN} are needed")]
    Short {
        /// Its length in characters.
        chars: usize,
    },
    /// Longer than the limit.
    #[error("it has more than {PASSWORD_CHARS_MAX} characters")]
    Long,
    /// A character that cannot be typed in every form.
    #[error("it holds a control character")]
    Control,
    /// Few characters repeated.
    #[error("it has fewer than {PASSWORD_DISTINCT_CHARS_MIN} different characters")]
    Repeated,
    /// Among those that many people choose.
    #[error("it is one of the passwords that are tried first")]
    Common,
    /// Little more than the account's name.
    #[error("it holds the account's name")]
    Name,
}

/// A password as typed, normalised (NFC): the same text from every keyboard. Wiped when dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password to be checked; refused only if it is longer than any that is taken.
    pub fn new(text: &str) -> Result<Self, AccountError> {
        // Four characters become one at most: what is cut off here is of a text that is too long anyway.
        let read = 5 * PASSWORD_CHARS_MAX;
        // Room enough that the text is not moved, which would leave a copy that is not wiped.
        let mut password = Zeroizing::new(String::with_capacity(4 * read));
        password.extend(text.chars().take(read).nfc());
        if password.chars().count() > PASSWORD_CHARS_MAX {
            return Err(AccountError::PasswordWeak(Weakness::Long));
        }
        Ok(Self(password))
    }

    /// The normalised bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A password that is strong enough to be given to an account.
#[derive(Debug)]
pub struct NewPassword(Password);

impl NewPassword {
    /// A new password of the account `name`; refused as [`AccountError::PasswordWeak`] with the reason.
    pub fn new(text: &str, name: &AccountName) -> Result<Self, AccountError> {
        let password = Password::new(text)?;
        match weakness(&password.0, name) {
            Some(weakness) => Err(AccountError::PasswordWeak(weakness)),
            None => Ok(Self(password)),
        }
    }

    /// The password.
    pub(super) fn as_password(&self) -> &Password {
        &self.0
    }
}

fn weakness(text: &str, name: &AccountName) -> Option<Weakness> {
    let chars = text.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return Some(Weakness::Short { chars });
    }
    if text.chars().any(char::is_control) {
        return Some(Weakness::Control);
    }
    if text.chars().collect::<BTreeSet<_>>().len() < PASSWORD_DISTINCT_CHARS_MIN {
        return Some(Weakness::Repeated);
    }
    let plain = skeleton(text);
    if COMMON.contains(&plain.as_str()) {
        return Some(Weakness::Common);
    }
    // A short name may stand in a password by chance; one that fills half of it does not.
    let name = skeleton(name.as_str());
    (!name.is_empty() && plain.contains(name.as_str()) && 2 * name.len() >= plain.len())
        .then_some(Weakness::Name)
}

/// Small letters and digits alone, without diacritics: `Mật-Khẩu 123` and `matkhau123` are one.
fn skeleton(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(PASSWORD_CHARS_MAX * 12));
    let letters = text.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase);
    plain.extend(letters.filter(|letter| letter.is_alphanumeric()).map(|letter| match letter {
        'đ' => 'd',
        other => other,
    }));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<Weakness> {
        match NewPassword::new(text, &"lan.nt".parse().unwrap()) {
            Ok(_) => None,
            Err(AccountError::PasswordWeak(weakness)) => Some(weakness),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn weak_passwords_are_refused_with_their_reason() {
        for (text, weakness) in [
            ("ngắn quá!", Weakness::Short { chars: 9 }),
            ("aaaaaaaaaaaaaaa", Weakness::Repeated),
            ("12345678910", Weakness::Common),
            ("matkhau123", Weakness::Common),
            ("Mật khẩu 123", Weakness::Common),
            ("MatKhau@123", Weakness::Common),
            ("lan.nt2025", Weakness::Name),
            ("chín con\ttrâu", Weakness::Control),
        ] {
            assert_eq!(refused(text), Some(weakness), "{text}");
        }
        assert_eq!(refused("chín con trâu đen"), None);
        assert_eq!(refused("Lan thích đọc sách buổi tối"), None);
    }

    #[test]
    fn both_ends_of_the_allowed_length_are_taken() {
        let of = |chars: usize| "trâu".chars().cycle().take(chars).collect::<String>();
        assert_eq!(refused(&of(PASSWORD_CHARS_MIN)), None);
        assert_eq!(refused(&of(PASSWORD_CHARS_MAX)), None);
        assert_eq!(refused(&of(PASSWORD_CHARS_MAX + 1)), Some(Weakness::Long));
        assert_eq!(refused(&of(1_000_000)), Some(Weakness::Long));
    }

    #[test]
    fn every_common_password_would_pass_the_other_rules() {
        for text in COMMON {
            assert_eq!(refused(text), Some(Weakness::Common), "{text}");
            assert_eq!(skeleton(text).as_str(), *text);
        }
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        let composed = Password::new("tr\u{e2}u \u{111}en").unwrap();
        let decomposed = Password::new("tra\u{302}u \u{111}en").unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
        assert_eq!(format!("{composed:?}"), "Password");
    }
}
