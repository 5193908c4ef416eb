//! What the workers tell of themselves when somebody asks for metrics.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tureen_controller::WorkerMetrics;

use super::Media;

impl Media {
    /// One entry for each worker's place, asked all at once; none where no worker runs, or it does
    /// not answer in time.
    pub(crate) async fn worker_metrics(&self) -> Vec<Option<WorkerMetrics>> {
        let Some(pool) = self.pool() else {
            return Vec::new();
        };
        let mut answers = vec![None; pool.places()];
        let asked = pool.workers().into_iter().map(|pooled| async move {
            let answer = timeout(PATIENCE, pooled.worker.metrics()).await;
            (pooled.index, answer)
        });
        for (index, answer) in join_all(asked).await {
            match answer {
                Ok(Ok(metrics)) => answers[index] = Some(metrics),
                Ok(Err(error)) => tracing::debug!(index, %error, "no metrics of a worker"),
                Err(_) => tracing::debug!(index, "a worker gave no metrics in time"),
            }
        }
        answers
    }
}

/// How long a worker may take to answer: less than a monitoring system waits, which is ten seconds
/// where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
