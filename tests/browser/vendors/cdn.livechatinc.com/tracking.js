(() => {
  const draw = () => {
    const frame = document.createElement("iframe");
    frame.id = "chat-widget";
    frame.src = "https://secure.livechatinc.com/customer/action/open_chat?license_id=1234567";
    document.body.append(frame);
  };
  const settings = document.createElement("script");
  settings.src = "https://api.livechatinc.com/v3.6/customer/action/get_dynamic_configuration?license_id=1234567";
  document.head.append(settings);
  if (document.body) draw();
  else addEventListener("DOMContentLoaded", draw);
})();
