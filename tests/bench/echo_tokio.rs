// Echo on tokio, for one thread.
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(256 << 10);
    while stream.read_buf(&mut buffer).await? > 0 {
        stream.write_all(&buffer).await?;
        buffer.clear();
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listening = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listening.local_addr()?);
    loop {
        let (stream, _) = listening.accept().await?;
        tokio::spawn(echo(stream));
    }
}
