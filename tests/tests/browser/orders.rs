//! Sign-in, sign-out, forms from elsewhere, accounts.

use crate::scene::{PASSWORD, Scene};
use danso_node::operations::accounts::Role;
use danso_tests::unit;

fn form<'a>(name: &'a str, password: &'a str) -> [(&'a str, &'a str); 3] {
    [("name", name), ("password", password), ("to", "/units?sort=name")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_gives_a_cookie_for_this_node_alone_and_leads_back() {
    let mut scene = Scene::new().await;
    let mut visit = scene.visit();
    let answer = visit.post("/sign-in", &form("operator", PASSWORD)).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/units?sort=name"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("danso-01-2025-07-01=danso_"), "{cookie}");
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let fields = [("name", "operator"), ("password", PASSWORD), ("to", "//evil.example")];
    let elsewhere = visit.post("/sign-in", &fields).await;
    assert_eq!(elsewhere.header("location"), "/");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_name_and_wrong_password_look_the_same_and_many_of_them_must_wait() {
    let mut scene = Scene::new().await;
    let mut visit = scene.visit();
    let wrong = visit.post("/sign-in", &form("operator", "sai mật khẩu")).await;
    let unknown = visit.post("/sign-in", &form("nobody", "sai mật khẩu")).await;
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.body.replace("value=\"operator\"", "value=\"nobody\""), unknown.body);
    assert!(
        wrong.body.contains("signin_refused")
            && wrong.body.contains("Tên đăng nhập hoặc mật khẩu không đúng")
    );
    assert!(!wrong.body.contains("sai mật khẩu"), "a password is shown again");
    assert!(visit.cookies.is_empty());
    // What is no name may be a password typed into the wrong field.
    let slipped = visit.post("/sign-in", &form("Mật Khẩu Của Tôi", "x")).await;
    assert!(!slipped.body.contains("Mật Khẩu Của Tôi"), "{}", slipped.body);
    let mut last = slipped;
    for _ in 0..8 {
        last = visit.post("/sign-in", &form("operator", "sai mật khẩu")).await;
    }
    assert_eq!(last.status, 429);
    assert!(last.body.contains("signin_delayed"), "{}", last.body);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_the_session_itself() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    let mut copy = visit.clone();
    assert_eq!(copy.get("/units").await.status, 200);
    let answer = visit.post("/sign-out", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"));
    assert!(visit.cookies.is_empty());
    assert_eq!(copy.get("/units").await.status, 303, "a copy of the cookie is still good");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_from_another_site_is_refused() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    let new = [("name", "moi"), ("role", "analyst"), ("unit", "01"), ("password", PASSWORD)];
    let own = format!("http://{}", scene.address);
    let origins: [&[(&str, &str)]; 5] = [
        &[],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ];
    for from in origins {
        for at in ["/accounts/add", "/sign-out", "/sign-in", "/language"] {
            let answer = visit.post_from(at, &new, from).await;
            assert_eq!(answer.status, 403, "{at} {from:?}");
            assert!(answer.body.contains("web_other_site"), "{}", answer.body);
        }
    }
    let names: Vec<String> = {
        let node = scene.tree.node(scene.province);
        node.accounts_below(scene.province).iter().map(|line| line.name.to_string()).collect()
    };
    assert!(!names.contains(&"moi".to_owned()) && visit.get("/accounts").await.status == 200);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_adds_disables_enables_and_removes_and_it_counts_at_once() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    let new = [("name", "binh"), ("role", "auditor"), ("unit", "00001"), ("password", PASSWORD)];
    assert_eq!(visit.post("/accounts/add", &new).await.header("location"), "/accounts?done=added");
    let mut binh = scene.signed_in("binh").await;
    assert_eq!(binh.get("/units").await.status, 200);
    let again = visit.post("/accounts/add", &new).await;
    assert_eq!(again.status, 409);
    assert!(again.body.contains("account_exists") && again.body.contains("value=\"binh\""), "{}", again.body);
    assert!(!again.body.contains(PASSWORD), "a password is shown again");
    // The button of the language leads to the page, which the address of a form is not.
    assert!(again.body.contains("name=\"to\" value=\"/accounts\""), "{}", again.body);

    let disable = visit.post("/accounts/change", &[("name", "binh"), ("change", "disable")]).await;
    assert_eq!(disable.header("location"), "/accounts?done=disable");
    assert_eq!(binh.get("/units").await.status, 303, "the session of a disabled account is good");
    visit.post("/accounts/change", &[("name", "binh"), ("change", "enable")]).await;
    let set = visit.post("/accounts/password", &[("name", "binh"), ("password", "mười hai con giáp")]).await;
    assert_eq!(set.header("location"), "/accounts?done=password");
    let old = scene.visit().post("/sign-in", &[("name", "binh"), ("password", PASSWORD), ("to", "/")]).await;
    assert_eq!(old.status, 403);
    visit.post("/accounts/change", &[("name", "binh"), ("change", "remove")]).await;
    let gone = visit.post("/accounts/change", &[("name", "binh"), ("change", "enable")]).await;
    assert_eq!(gone.status, 404);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_of_a_commune_has_no_say_over_the_province() {
    let mut scene = Scene::new().await;
    scene.account("xa", Role::Operator, unit("00001")).await;
    let mut visit = scene.signed_in("xa").await;
    let list = visit.get("/accounts").await;
    assert!(list.body.contains(">xa<") && !list.body.contains(">auditor<"), "{}", list.body);
    let outside = visit.post("/accounts/change", &[("name", "auditor"), ("change", "remove")]).await;
    assert_eq!(outside.status, 403);
    let above = [("name", "moi"), ("role", "operator"), ("unit", "01"), ("password", PASSWORD)];
    let answer = visit.post("/accounts/add", &above).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("outside_subtree"), "{}", answer.body);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_password_is_changed_with_the_old_one_only_and_ends_the_session() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("analyst").await;
    let new = "mười hai con giáp";
    let wrong = visit.post("/account/password", &[("old", "không phải"), ("password", new)]).await;
    assert_eq!(wrong.status, 403);
    let weak = visit.post("/account/password", &[("old", PASSWORD), ("password", "ngắn")]).await;
    assert_eq!(weak.status, 400);
    assert!(weak.body.contains("password_weak"), "{}", weak.body);
    assert!(weak.body.contains("Mật khẩu mới có 4 ký tự, cần ít nhất"), "{}", weak.body);
    assert!(weak.body.contains("name=\"to\" value=\"/account\""), "{}", weak.body);
    let set = visit.post("/account/password", &[("old", PASSWORD), ("password", new)]).await;
    assert_eq!((set.status, set.header("location")), (303, "/sign-in?to=/account&why=password"));
    let asked = visit.get(set.header("location")).await;
    assert!(asked.body.contains("Đã đổi mật khẩu"), "{}", asked.body);
    assert_eq!(visit.get("/counts").await.status, 303);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_after_the_end_of_its_session_is_said_not_to_be_carried_out() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    let mut stale = visit.clone();
    visit.post("/sign-out", &[]).await;
    let new = [("name", "moi"), ("role", "officer"), ("unit", "00001"), ("password", PASSWORD)];
    let sent = stale.post("/accounts/add", &new).await;
    assert_eq!((sent.status, sent.header("location")), (303, "/sign-in?to=/accounts&why=order"));
    let asked = stale.get(sent.header("location")).await;
    assert!(asked.body.contains("CHƯA được thực hiện"), "{}", asked.body);
    assert!(asked.body.contains("name=\"to\" value=\"/accounts\""), "{}", asked.body);
    let out = stale.post("/sign-out", &[]).await;
    assert_eq!(out.header("location"), "/sign-in?to=/", "a sign-out without a session is no order");
    scene.tree.stop_all().await;
}
