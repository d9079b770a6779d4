package routes.wiring;

import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;

/**
 * What is before the endpoints under {@code /observe}: also where they have a port of their own,
 * which is another context, and on that of the application, where Hawtio has its pages, too.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
class ManagementWiring {

  @Bean
  FilterRegistrationBean<OperatorOnly> operatorOnly() {
    FilterRegistrationBean<OperatorOnly> filter = new FilterRegistrationBean<>(new OperatorOnly());
    filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
    return filter;
  }
}
