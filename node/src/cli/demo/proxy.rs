//! The line of one commune: carries TCP to its parent, and can be cut and restored.

use crate::cli::failure::Failure;
use danso_tier_config::limits;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A line to `parent`; ends with the value.
#[derive(Debug)]
pub(super) struct Line {
    address: SocketAddr,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Line {
    /// An open line from a free port of this computer to `parent`.
    pub async fn open(parent: SocketAddr) -> Result<Self, Failure> {
        let failed = |error| Failure::told("listen_failed", format!("no free port for a line: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (open, state) = watch::channel(true);
        let task = tokio::spawn(serve(listener, parent, state));
        Ok(Self { address, open, task })
    }

    /// Where the child dials.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection and lets no new one through.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Before the task, whose connections would otherwise go on without it.
        self.cut();
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, parent: SocketAddr, open: watch::Receiver<bool>) {
    loop {
        match listener.accept().await {
            // While the line is cut the connection is closed here, and the child dials again.
            Ok((near, _)) if *open.borrow() => drop(tokio::spawn(carry(near, parent, open.clone()))),
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await,
        }
    }
}

async fn carry(mut near: TcpStream, parent: SocketAddr, mut open: watch::Receiver<bool>) {
    let carried = async {
        let mut far = TcpStream::connect(parent).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        copy_bidirectional(&mut near, &mut far).await
    };
    // However it ends, both sides see a closed connection.
    tokio::select! {
        _ = carried => {}
        _ = open.wait_for(|open| !open) => {}
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    while near.read_exact(&mut byte).await.is_ok() {
                        near.write_all(&byte).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn answers(stream: &mut TcpStream) -> bool {
        let mut byte = [0];
        stream.write_all(b"x").await.is_ok() && stream.read_exact(&mut byte).await.is_ok() && byte == *b"x"
    }

    #[tokio::test]
    async fn a_cut_line_drops_what_is_open_and_carries_nothing_until_restored() {
        let line = Line::open(echo().await).await.unwrap();
        let mut before = TcpStream::connect(line.address()).await.unwrap();
        assert!(answers(&mut before).await);
        line.cut();
        assert_eq!(before.read(&mut [0]).await.unwrap_or(0), 0, "the open connection is closed");
        let mut during = TcpStream::connect(line.address()).await.unwrap();
        assert!(!answers(&mut during).await);
        line.restore();
        let mut after = TcpStream::connect(line.address()).await.unwrap();
        assert!(answers(&mut after).await);
    }
}
