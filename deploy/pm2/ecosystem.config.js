// PM2_NO_INTERACTION=true pm2 start ecosystem.config.js
//
// PM2 takes SECRET_KEY and PUBLIC_KEY in the environment of `pm2` for keys of its own service, unless
// PM2_NO_INTERACTION is set there. In .env they do not meet.
module.exports = {
  apps: [
    {
      name: "whatsapp-service",
      cwd: "/opt/whatsapp-service",
      script: "./run.sh",
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,
      // Without these two PM2 signals every process and kills them all after 1.6 s: sends in flight are cut.
      treekill: false,
      kill_timeout: 40000, // DRAIN_SECONDS and 40
      autorestart: true,
      min_uptime: 5000,
      exp_backoff_restart_delay: 500,
    },
  ],
};
