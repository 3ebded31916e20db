//! Chromium without a window, driven through its driver.

use crate::http::Visit;
use danso_tests::eventually;
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// A browser with a profile of its own; ends with the value.
pub struct Browser {
    pub client: Client,
    driver: Child,
    at: SocketAddr,
    session: String,
    /// Kept open: a driver that cannot say anything ends.
    _said: Lines<BufReader<ChildStdout>>,
}

/// The driver and the port that it took; nothing where it is not installed.
fn driver() -> Option<(Child, SocketAddr, Lines<BufReader<ChildStdout>>)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = said.next() {
        let line = line.unwrap();
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port: u16 = port.trim_end_matches('.').parse().unwrap();
            return Some((driver, (Ipv4Addr::LOCALHOST, port).into(), said));
        }
    }
    panic!("chromedriver ended without a port");
}

impl Browser {
    /// A new browser; says so and gives nothing where Chromium or its driver is missing.
    pub async fn start() -> Option<Self> {
        let Some((driver, at, said)) = driver() else {
            println!("NOT RUN: chromedriver is not installed (apt-get install chromium chromium-driver)");
            return None;
        };
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://{at}"))
            .await
            .unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        Some(Self { client, driver, at, session, _said: said })
    }

    /// A command of the driver beyond the standard.
    async fn command(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        let headers = [("Content-Type", "application/json")];
        let answer = Visit::new(self.at).send("POST", &path, &headers, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_str::<Value>(&answer.body).unwrap()["value"].take()
    }

    /// A command of the browser itself.
    pub async fn set(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await;
    }

    /// What the console said since the last look: errors of scripts, violations of the policy, what did not load.
    pub async fn console(&self) -> Vec<String> {
        let lines = self.command("se/log", &json!({ "type": "browser" })).await;
        lines.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// A window of a size; a phone's has touch.
    pub async fn window(&self, width: u32, height: u32, mobile: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.set("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the system prefers: `dark` or `light`.
    pub async fn prefers(&self, scheme: &str) {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.set("Emulation.setEmulatedMedia", json!({ "features": feature })).await;
    }

    /// The value of a script.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// The first element of a selector.
    pub async fn find(&self, css: &str) -> Element {
        self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// The text of an element, as it is seen.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Goes to an address of a node and waits until it is there.
    pub async fn go(&self, to: SocketAddr, path: &str) {
        self.client.goto(&format!("http://{to}{path}")).await.unwrap();
    }

    /// Waits until a script gives true.
    pub async fn until(&self, what: &str, script: &str) {
        eventually(what, || async {
            let found = self.client.execute(script, Vec::new()).await;
            found.ok().filter(|found| found == &Value::Bool(true))
        })
        .await;
    }

    /// Signs in on the page.
    pub async fn sign_in(&self, to: SocketAddr, name: &str, password: &str) {
        self.go(to, "/sign-in").await;
        self.find("#name").await.send_keys(name).await.unwrap();
        self.find("#password").await.send_keys(password).await.unwrap();
        self.find("main button.main").await.click().await.unwrap();
        self.until("the sign-in is through", "return location.pathname !== '/sign-in'").await;
    }

    /// Keeps a picture of what is seen, for people to look at.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Also after a failed test: the driver ends the browser with its session, and nothing else does.
        if let Ok(mut stream) = TcpStream::connect(self.at) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let request = format!("DELETE /session/{} HTTP/1.1\r\nHost: {}\r\n\r\n", self.session, self.at);
            let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut [0; 64]));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
