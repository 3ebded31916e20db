//! Every page as a person sees it: languages, dark and light, a phone, the keyboard, live updates, no script at all.

use crate::{
    chromium::Browser,
    scene::{PASSWORD, Scene},
};
use serde_json::{Value, json};

/// Every page with a name for its picture.
const PAGES: [(&str, &str); 10] = [
    ("overview", "/"),
    ("units", "/units"),
    ("unit", "/units/00001"),
    ("counts", "/counts?unit=00001&month=2026-02"),
    ("counts-province", "/counts?month=2026-02"),
    ("alerts", "/alerts"),
    ("cases", "/cases"),
    ("accounts", "/accounts"),
    ("account", "/account"),
    ("runbook", "/runbooks/batch_fork"),
];

/// What is wrong with a page for readers, keyboards and narrow screens; empty for nothing.
const FAULTS: &str = r#"
    const faults = [];
    const say = (what, element) => faults.push(what + ": " + element.outerHTML.slice(0, 120));
    if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window");
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    for (const mark of ["header", "main#main", "footer", "a.skip[href='#main']"])
        if (!document.querySelector(mark)) faults.push("no " + mark);
    for (const field of document.querySelectorAll("input:not([type=hidden], [hidden]), select"))
        if (!field.labels.length) say("no label", field);
    for (const table of document.querySelectorAll("table")) if (!table.caption) say("no caption", table);
    for (const head of document.querySelectorAll("th")) if (!head.scope) say("no scope", head);
    for (const image of document.querySelectorAll("svg"))
        if (image.getAttribute("aria-hidden") !== "true" && !image.getAttribute("aria-label")
            && !image.querySelector("title")) say("no name", image);
    for (const one of document.querySelectorAll("a, button"))
        if (!one.textContent.trim() && !one.getAttribute("aria-label")) say("says nothing", one);
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    if (new Set(ids).size !== ids.length) faults.push("an id twice");
    const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const colour = (text) => text.match(/[\d.]+/g).map(Number);
    const ground = (one) => {
        for (; one; one = one.parentElement) {
            const found = colour(getComputedStyle(one).backgroundColor);
            if (found.length < 4 || found[3] > 0) return found.slice(0, 3);
        }
        return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    };
    const walk = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const one = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || one.closest("svg, script, .skip, .hidden, option")) continue;
        if (!one.checkVisibility()) continue;
        const [a, b] = [light(colour(getComputedStyle(one).color).slice(0, 3)), light(ground(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) say("contrast " + ratio.toFixed(1), one);
    }
    return faults;
"#;

async fn is_sound(browser: &Browser, what: &str) {
    let faults = browser.ask(FAULTS).await;
    assert_eq!(faults, json!([]), "{what}");
    assert_eq!(browser.console().await, Vec::<String>::new(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_in_both_languages_dark_and_light_wide_and_on_a_phone() {
    let Some(browser) = Browser::start().await else { return };
    let mut scene = Scene::new().await;
    browser.sign_in(scene.address, "operator", PASSWORD).await;
    for language in ["vi", "en"] {
        if language == "en" {
            browser.find("button[name=language]").await.click().await.unwrap();
            browser.until("the page is English", "return document.documentElement.lang === 'en'").await;
        }
        for scheme in ["light", "dark"] {
            browser.prefers(scheme).await;
            for (place, width, height) in [("wide", 1_280, 1_100), ("phone", 360, 900)] {
                browser.window(width, height, place == "phone").await;
                for (name, path) in PAGES {
                    browser.go(scene.address, path).await;
                    let what = format!("{name}-{language}-{scheme}-{place}");
                    browser.picture(&what).await;
                    is_sound(&browser, &what).await;
                    assert_eq!(browser.ask("return document.documentElement.lang").await, language);
                }
            }
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_the_right_one_typed_by_keyboard_alone_leads_in() {
    let Some(browser) = Browser::start().await else { return };
    let mut scene = Scene::new().await;
    let keys = fantoccini::key::Key::Tab;
    browser.go(scene.address, "/units").await;
    assert_eq!(browser.ask("return location.pathname").await, "/sign-in");
    assert_eq!(browser.ask("return document.activeElement.id").await, "name");
    browser.picture("sign-in").await;
    is_sound(&browser, "sign-in").await;
    let type_in = async |name: &str, password: &str| {
        let field = browser.client.active_element().await.unwrap();
        field.send_keys(&format!("{name}{}", char::from(keys))).await.unwrap();
        let field = browser.client.active_element().await.unwrap();
        field.send_keys(&format!("{password}{}", char::from(fantoccini::key::Key::Enter))).await.unwrap();
    };
    type_in("operator", "không phải mật khẩu").await;
    browser.until("the refusal is told", "return !!document.querySelector('[role=alert]')").await;
    assert!(browser.text("[role=alert]").await.contains("Tên đăng nhập hoặc mật khẩu không đúng"));
    browser.picture("sign-in-refused").await;
    assert_eq!(browser.ask("return document.querySelector('#password').value").await, "");
    browser.until("the password is next", "return document.activeElement.id === 'password'").await;
    browser.client.active_element().await.unwrap().send_keys(PASSWORD).await.unwrap();
    browser
        .find("main button.main")
        .await
        .send_keys(&char::from(fantoccini::key::Key::Enter).to_string())
        .await
        .unwrap();
    browser.until("it leads back", "return location.pathname === '/units'").await;
    // The first stop of the keyboard is the way past the navigation.
    browser.find("body").await.send_keys(&char::from(keys).to_string()).await.unwrap();
    assert_eq!(browser.ask("return document.activeElement.className").await, "skip");
    browser
        .client
        .active_element()
        .await
        .unwrap()
        .send_keys(&char::from(fantoccini::key::Key::Enter).to_string())
        .await
        .unwrap();
    browser.until("it leads to the content", "return document.activeElement.id === 'main'").await;
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_sorted_and_filtered_on_the_page() {
    let Some(browser) = Browser::start().await else { return };
    let mut scene = Scene::new().await;
    browser.sign_in(scene.address, "auditor", PASSWORD).await;
    browser.go(scene.address, "/units").await;
    let first = "return document.querySelector('tbody th a').textContent";
    let sorted = "return document.querySelector('th[aria-sort]').getAttribute('aria-sort')";
    let by_name = "thead th:first-child a";
    browser.find(by_name).await.click().await.unwrap();
    browser.until("it is sorted upward", &format!("{sorted} === 'ascending'")).await;
    assert_eq!(browser.ask(first).await, "Phường Phúc Xá");
    browser.find(by_name).await.click().await.unwrap();
    browser.until("it is sorted downward", &format!("{sorted} === 'descending'")).await;
    assert_eq!(browser.ask(first).await, "Thành phố Hà Nội");
    browser.find("#filter").await.send_keys("truc bach").await.unwrap();
    browser.find("form[role=search] button").await.click().await.unwrap();
    browser.until("one is left", "return document.querySelectorAll('tbody tr').length === 1").await;
    assert_eq!(browser.ask(first).await, "Phường Trúc Bạch");
    assert_eq!(browser.text("#found").await, "1 đơn vị");
    assert_eq!(browser.ask(sorted).await, "descending", "a filter forgets the order");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_follows_what_a_commune_records_and_keeps_the_keyboard_in_its_place() {
    let Some(browser) = Browser::start().await else { return };
    let mut scene = Scene::new().await;
    browser.sign_in(scene.address, "officer", PASSWORD).await;
    browser.go(scene.address, "/units/00001").await;
    browser.until("the page is live", "return document.querySelector('#live').dataset.state === 'on'").await;
    let changes = "const tile = [...document.querySelectorAll('#unit-state .tile')]
        .find((one) => one.textContent.includes('Thay đổi ở đây'));
        return tile.querySelector('.big').textContent";
    assert_eq!(browser.ask(changes).await, "8");
    browser.ask("window.untouched = true; document.querySelector('#unit-receipts').tabIndex = 0").await;
    browser.ask("document.querySelector('main a').focus()").await;
    let held = browser.ask("return document.activeElement.getAttribute('href')").await;
    scene.people(5).await;
    browser
        .until("the page shows the new changes", &changes.replace("return tile", "return '14' === tile"))
        .await;
    assert_eq!(
        browser.ask("return window.untouched === true").await,
        Value::Bool(true),
        "the page was loaded anew"
    );
    assert_eq!(browser.ask("return document.activeElement.getAttribute('href')").await, held);
    assert_eq!(browser.console().await, Vec::<String>::new());
    // Whoever signs out elsewhere is told so on every page that is open.
    scene
        .tree
        .node(scene.province)
        .set_password(
            danso_node::operations::Manager {
                actor: danso_node::operations::Actor::local(),
                scope: scene.province,
            },
            "officer".parse().unwrap(),
            zeroize::Zeroizing::new("mười hai con giáp".to_owned()),
        )
        .await
        .unwrap();
    browser.until("the end is told", "return document.querySelector('#live').dataset.state === 'end'").await;
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_everything_but_live_updates_works() {
    let Some(browser) = Browser::start().await else { return };
    let mut scene = Scene::new().await;
    browser.set("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.go(scene.address, "/sign-in").await;
    browser.find("#name").await.send_keys("operator").await.unwrap();
    browser.find("#password").await.send_keys(PASSWORD).await.unwrap();
    browser.find("main button.main").await.click().await.unwrap();
    for (name, path) in PAGES {
        browser.go(scene.address, path).await;
        assert!(!browser.text("main").await.is_empty(), "{name}");
    }
    browser.go(scene.address, "/accounts").await;
    browser.find("#name").await.send_keys("chi").await.unwrap();
    browser.find("#password").await.send_keys(PASSWORD).await.unwrap();
    browser.find("form.sheet button.main").await.click().await.unwrap();
    assert_eq!(browser.text("[role=status]").await, "Đã thêm tài khoản.");
    browser.picture("account-added").await;
    scene.tree.stop_all().await;
}
