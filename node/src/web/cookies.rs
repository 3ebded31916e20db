//! Cookies: read from a request, set and taken back.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie that the request carries.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}

/// A cookie that scripts cannot read and other sites do not send, for so many seconds; 0 takes it back.
/// `None` where the value cannot stand in a header.
pub(super) fn set(name: &str, value: &str, seconds: u64, encrypted: bool) -> Option<HeaderValue> {
    let secure = if encrypted { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; danso-language=en"));
        headers.append(header::COOKIE, HeaderValue::from_static("xdanso=2;danso=3=4"));
        assert_eq!(value(&headers, "danso-language"), Some("en"));
        assert_eq!(value(&headers, "danso"), Some("3=4"));
        assert_eq!(value(&headers, "language"), None);
    }

    #[test]
    fn only_encrypted_pages_mark_their_cookies_secure() {
        let plain = set("danso", "x", 60, false).unwrap();
        assert_eq!(plain, "danso=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
        assert!(set("danso", "x", 60, true).unwrap().to_str().unwrap().ends_with("; Secure"));
        assert_eq!(set("danso", "x\r\ny", 60, true), None);
    }
}
