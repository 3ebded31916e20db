//! The pages of `deploy/runbooks`, compiled into the program: what every stable code means and what to do.

/// Code and text of every page, sorted by code; written by the build script.
const PAGES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runbook {
    /// The stable code.
    pub code: &'static str,
    /// The whole page, Markdown.
    pub text: &'static str,
}

impl Runbook {
    /// The page of a code.
    pub fn of(code: &str) -> Option<Self> {
        let at = PAGES.binary_search_by_key(&code, |(code, _)| code).ok()?;
        let (code, text) = PAGES[at];
        Some(Self { code, text })
    }

    /// Every page, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        PAGES.iter().map(|(code, text)| Self { code, text })
    }

    /// The sentence for people in Vietnamese: the first paragraph.
    pub fn vietnamese(self) -> &'static str {
        self.paragraphs().next().unwrap_or_default()
    }

    /// What it means, in English: the second paragraph.
    pub fn english(self) -> &'static str {
        self.paragraphs().nth(1).unwrap_or_default()
    }

    fn paragraphs(self) -> impl Iterator<Item = &'static str> {
        self.text.split("\n\n").map(str::trim).filter(|part| !part.is_empty() && !part.starts_with('#'))
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn every_page_is_found_and_begins_with_its_code_and_two_paragraphs() {
        assert!(Runbook::all().count() > 300);
        for page in Runbook::all() {
            assert_eq!(Runbook::of(page.code), Some(page));
            assert!(page.text.starts_with(&format!("# {}\n", page.code)), "{}", page.code);
            assert!(!page.vietnamese().is_empty() && !page.english().is_empty(), "{}", page.code);
        }
        assert_eq!(Runbook::of("no_such_code"), None);
    }

    #[test]
    fn a_page_says_what_is_wrong_in_both_languages() {
        let page = Runbook::of("signin_delayed").unwrap();
        assert_eq!(page.vietnamese(), "Đăng nhập sai quá nhiều lần, phải chờ.");
        assert!(page.english().starts_with("After 5 failed sign-ins"), "{}", page.english());
    }
}
